// Serves console/dist as control does, with its strict CSP, and the API from a world in memory.
// Usage: node e2e/mock-server.mjs [port], where 0 is any that is free
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { World } from './world.mjs';

const port = Number(process.argv[2] ?? 4173);
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const hosts = fileURLToPath(new URL('./hosts/', import.meta.url));
/** Another React than ours, for a host that has one. @type {Record<string, string>} */
const OTHERS = {
  'react-18.js': 'react-18/umd/react.production.min.js',
  'react-dom-18.js': 'react-dom-18/umd/react-dom.production.min.js',
};

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
};

let world = new World({ many: 10_000 });

/** A host that brings its own React, bundled with it and with the built component as such a host is. @type {Promise<string> | undefined} */
let component;
async function bundled() {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      rollupOptions: { input: `${hosts}component.tsx`, output: { entryFileNames: 'component.js' } },
    },
  });
  return 'output' in result ? result.output[0].code : '';
}

/** @param {string} path @returns {Promise<Response>} */
async function file(path) {
  const [root, name] = path.startsWith('/hosts/') ? [hosts, path.slice(7)] : [dist, path.slice('/console/'.length)];
  const known = /^(assets\/[\w.-]+|[\w-]+\.(js|json|html))$/.test(name);
  try {
    const found = known ? name : 'index.html';
    const headers = {
      'content-type': TYPES[extname(found)] ?? 'application/octet-stream',
      'content-security-policy': CSP,
      'cache-control': found.endsWith('.html') ? 'no-store' : 'max-age=60',
      'x-content-type-options': 'nosniff',
    };
    const other = root === hosts && OTHERS[found];
    const from = other ? fileURLToPath(new URL(`../node_modules/${other}`, import.meta.url)) : root + found;
    return new Response(new Uint8Array(await readFile(from)), { headers });
  } catch {
    return new Response('not found', { status: 404 });
  }
}

/** @param {Request} request @param {URL} url @returns {Promise<Response>} */
async function route(request, url) {
  const { pathname } = url;
  // A lever for the tests: a fresh world.
  if (pathname === '/mock/reset') {
    world = new World({ many: 10_000 });
    return new Response('ok');
  }
  if (pathname === '/console/config.json') {
    return Response.json({
      demo: true,
      downstream_url: 'https://fieldnotes.example.com/scim/v2',
      downstream_token: 'demo-token',
    });
  }
  if (pathname === '/hosts/component.js') {
    component ??= bundled();
    return new Response(await component, { headers: { 'content-type': 'text/javascript; charset=utf-8' } });
  }
  if (pathname.startsWith('/v1/') || pathname === '/console/session') return world.handle(request);
  if (pathname.startsWith('/console/') || pathname.startsWith('/hosts/')) return file(pathname);
  return new Response('not found', { status: 404 });
}

const server = createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`);
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const request = new Request(url, {
    method: incoming.method,
    headers: /** @type {Record<string, string>} */ (incoming.headers),
    body: chunks.length ? Buffer.concat(chunks) : undefined,
    signal: gone.signal,
  });
  const response = await route(request, url);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) for await (const chunk of response.body) outgoing.write(chunk);
  outgoing.end();
});
server.listen(port, '127.0.0.1', () => {
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  console.log(`http://127.0.0.1:${bound}/console/#code=CODE-1`);
});
