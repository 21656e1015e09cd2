import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

/** Whom a token is for, and what it is good for. */
export interface Wanted {
  who: string;
  tenant: string;
  /** The rights; all of them where left out. */
  scope?: string;
  /** In seconds. */
  life?: number;
}

const CONSOLE = join(import.meta.dirname, '../..');
/** Another React than the element's own. */
const REACT: Record<string, string> = {
  '/hosts/react-18.js': 'node_modules/react-18/umd/react.production.min.js',
  '/hosts/react-dom-18.js': 'node_modules/react-dom-18/umd/react-dom.production.min.js',
};
const TYPES: Record<string, string> = { js: 'text/javascript', html: 'text/html; charset=utf-8' };

/** Hands the token over by the property, and nothing else. */
const CALM = `
  import { attributes, getToken } from '/hosts/token.js';
  const element = document.querySelector('kevra-identity-sync');
  element.getToken = getToken;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
`;

/** What the hosts of e2e/hosts make up, asked of the back end. */
const token = (control: string) => `
  export const getToken = async () => (await fetch('/token' + location.search)).text();
  const tenant = new URLSearchParams(location.search).get('tenant');
  export const attributes = { tenant, 'api-base': '${control}', development: '' };
`;

const calm = `<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Another console</title>
      <link rel="icon" href="data:," />
      <script type="module" src="/console/embed.js"></script>
      <script type="module" src="/calm.js"></script>
    </head>
    <body>
      <main>
        <h1>Another console</h1>
        <kevra-identity-sync></kevra-identity-sync>
      </main>
    </body>
  </html>`;

/**
 * Another console: pages of another origin that load the element from control by the hash of its manifest, under a strict
 * policy of their own, with a back end that mints tokens. One is calm, one as hostile as those of e2e/hosts, on React 18.
 */
export async function host(port: number, control: string, mint: (wanted: Wanted) => string) {
  const manifest = (await (await fetch(`${control}/console/manifest.json`)).json()) as {
    embed: { file: string; integrity: string };
  };
  const { file, integrity } = manifest.embed;
  const embedded = (page: string) =>
    page.replace('src="/console/embed.js"', `crossorigin src="${control}/console/${file}" integrity="${integrity}"`);
  const policy = `default-src 'none'; script-src 'self' ${control}; style-src 'self'; connect-src 'self' ${control}; img-src data:`;
  const of = ({ pathname, searchParams }: URL): [body: string, type?: string] => {
    const asked = Object.fromEntries(searchParams);
    if (pathname === '/token') {
      const { who = '', tenant = '', scope, life } = asked;
      return [mint({ who, tenant, scope, life: life ? Number(life) : undefined }), 'text/plain'];
    }
    if (pathname === '/') return [embedded(calm), TYPES.html];
    if (pathname === '/calm.js') return [CALM, TYPES.js];
    if (pathname === '/hosts/token.js') return [token(control), TYPES.js];
    const from = join(CONSOLE, REACT[pathname] ?? join('e2e', pathname));
    return [embedded(readFileSync(from, 'utf8')), TYPES[from.split('.').at(-1) ?? '']];
  };
  const server: Server = createServer((request, response) => {
    const [body, type] = of(new URL(request.url ?? '/', `http://127.0.0.1:${port}`));
    response.writeHead(200, { 'content-type': type, 'content-security-policy': policy, 'cache-control': 'no-store' });
    response.end(body);
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return server;
}
