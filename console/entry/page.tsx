import '../src/styles/tokens.css';
import '../src/styles/base.css';
import '../src/styles/controls.css';
import '../src/styles/panels.css';
import '../src/styles/log.css';
import '../src/styles/page.css';
import { createRoot } from 'react-dom/client';
import { App } from '../src/page/App';

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
