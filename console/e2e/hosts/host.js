// What a host page does: hands over a token by the property and listens. Its style is as rude as a host's can be.
import { getToken } from './token.js';

const rude = new CSSStyleSheet();
rude.replaceSync(`
  * { color: red !important; font-family: fantasy !important; text-transform: uppercase !important; }
  button, input, textarea, dialog { display: none !important; }
`);
document.adoptedStyleSheets = [rude];

const heard = [];
window.heard = heard;
for (const name of ['changed', 'error', 'session-ended']) {
  document.addEventListener(`kevra-sync:${name}`, event => heard.push({ name, detail: event.detail }));
}
document.querySelector('kevra-identity-sync').getToken = getToken;
