// A console that has the component as a part of itself, on its own React, in strict mode; another part of the same page is on
// another React.
import { IdentitySync } from '@kevra/identity-sync-panel';
import { StrictMode, useState, version } from 'react';
import { createRoot } from 'react-dom/client';

interface Other {
  version: string;
  createElement(type: string, props: null, ...children: string[]): unknown;
}
const { React: OtherReact, ReactDOM: OtherDom } = window as unknown as {
  React: Other;
  ReactDOM: { createRoot(at: Element | null): { render(what: unknown): void } };
};

const told: unknown[] = [];
const tokens: string[] = [];
Object.assign(window, { told, tokens });

/** As the back end of a host mints it, 50 seconds long: each call asks for the next. */
async function getToken() {
  const exp = Date.now() / 1000 + 50;
  const claims = { sub: `host@example.com`, jti: tokens.length, tenant: 'acme', scope: 'sync:read sync:write', exp };
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const token = `${part({ alg: 'none' })}.${part(claims)}.x`;
  tokens.push(token);
  return token;
}

function Host() {
  const [drawn, setDrawn] = useState(0);
  const [there, setThere] = useState(true);
  return (
    <>
      <h1>React {version}</h1>
      <button type="button" onClick={() => setDrawn(drawn + 1)}>
        Drawn {drawn}
      </button>
      <button type="button" onClick={() => setThere(!there)}>
        Take away or bring back
      </button>
      {there && (
        <IdentitySync
          tenant="acme"
          theme="light"
          // New functions with every drawing, as hosts write them.
          getToken={() => getToken()}
          onChanged={change => told.push(change)}
          onError={error => told.push(error)}
        />
      )}
    </>
  );
}

const root = document.getElementById('host');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Host />
    </StrictMode>,
  );
}
OtherDom.createRoot(document.getElementById('other')).render(
  OtherReact.createElement('p', null, `Beside it: React ${OtherReact.version}`),
);
