// What a host page does: hands over a token by the property and listens.
import './rude.js';
import { getToken } from './token.js';

const heard = [];
window.heard = heard;
for (const name of ['changed', 'error', 'session-ended']) {
  document.addEventListener(`kevra-sync:${name}`, event => heard.push({ name, detail: event.detail }));
}
document.querySelector('kevra-identity-sync').getToken = getToken;
