// What a host page does: hands over a token by the property and listens. Its style is as rude as a host's can be.
const rude = new CSSStyleSheet();
rude.replaceSync(`
  * { color: red !important; font-family: fantasy !important; text-transform: uppercase !important; }
  button, input, textarea, dialog { display: none !important; }
`);
document.adoptedStyleSheets = [rude];

const part = value => btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const claims = { sub: 'host@example.com', tenant: 'acme', scope: 'sync:read sync:write', exp: Date.now() / 1000 + 600 };
const heard = [];
window.heard = heard;
for (const name of ['changed', 'error', 'session-ended']) {
  document.addEventListener(`kevra-sync:${name}`, event => heard.push({ name, detail: event.detail }));
}
document.querySelector('kevra-identity-sync').getToken = async () => `${part({ alg: 'none' })}.${part(claims)}.x`;
