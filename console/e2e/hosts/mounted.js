// A console on another React than the element's own: it mounts the element, draws itself anew, takes it away.
import './rude.js';
import { attributes, getToken } from './token.js';

const { React, ReactDOM } = window;
const h = React.createElement;

function Host() {
  const [drawn, setDrawn] = React.useState(0);
  const [there, setThere] = React.useState(true);
  const hand = React.useCallback(element => {
    if (element) element.getToken = getToken;
  }, []);
  return h(
    React.Fragment,
    null,
    h('h1', null, `React ${React.version}`),
    h('button', { 'data-host': '', onClick: () => setDrawn(drawn + 1) }, `Drawn ${drawn}`),
    h('button', { 'data-host': '', onClick: () => setThere(!there) }, 'Take away or bring back'),
    there && h('kevra-identity-sync', { ...attributes, theme: 'light', 'data-drawn': drawn, ref: hand }),
  );
}

ReactDOM.createRoot(document.getElementById('host')).render(h(Host));
