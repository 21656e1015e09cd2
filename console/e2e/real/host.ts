import { createServer, type Server } from 'node:http';

/** Hands the token over by the property, and nothing else. */
const SCRIPT = `
  const query = new URLSearchParams(location.search);
  const element = document.querySelector('kevra-identity-sync');
  element.getToken = async () => (await fetch('/token' + location.search)).text();
  element.setAttribute('tenant', query.get('tenant'));
`;

/**
 * Another console: a page of another origin that loads the element from control by the hash of its manifest, under a
 * strict policy of its own, with a back end that mints tokens.
 */
export async function host(port: number, control: string, mint: (sub: string, tenant: string) => string) {
  const manifest = (await (await fetch(`${control}/console/manifest.json`)).json()) as {
    embed: { file: string; integrity: string };
  };
  const { file, integrity } = manifest.embed;
  const page = `<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Another console</title>
        <link rel="icon" href="data:," />
        <script type="module" crossorigin src="${control}/console/${file}" integrity="${integrity}"></script>
        <script type="module" src="/host.js"></script>
      </head>
      <body>
        <main>
          <h1>Another console</h1>
          <kevra-identity-sync api-base="${control}" development></kevra-identity-sync>
        </main>
      </body>
    </html>`;
  const policy = `default-src 'none'; script-src 'self' ${control}; style-src 'self'; connect-src 'self' ${control}; img-src data:`;
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`);
    const answer = (type: string, body: string) => {
      response.writeHead(200, { 'content-type': type, 'content-security-policy': policy, 'cache-control': 'no-store' });
      response.end(body);
    };
    if (url.pathname === '/host.js') return answer('text/javascript', SCRIPT);
    if (url.pathname === '/token') {
      return answer('text/plain', mint(url.searchParams.get('who') ?? '', url.searchParams.get('tenant') ?? ''));
    }
    return answer('text/html; charset=utf-8', page);
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return server;
}
