import type { Client } from 'openapi-fetch';
import type { paths } from './api';

interface Asked {
  params?: { path?: Record<string, string>; query?: Record<string, unknown>; header?: Record<string, string> };
  body?: unknown;
}

/**
 * One function per method, of the types openapi-fetch derives from the API's document. Its code stays behind: it is a
 * tenth of the component's budget, for styles of parameters this API has none of.
 */
export function methods(root: string, send: (request: Request) => Promise<Response>): Client<paths> {
  const call =
    (method: string) =>
    async (path: string, { params = {}, body }: Asked = {}) => {
      const url = new URL(
        root + path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params.path?.[name] ?? '')),
      );
      for (const [name, value] of Object.entries(params.query ?? {})) {
        if (value !== undefined) url.searchParams.set(name, String(value));
      }
      const headers = new Headers(params.header);
      if (body) headers.set('content-type', 'application/json');
      const init = { method, headers, body: body ? JSON.stringify(body) : undefined, cache: 'no-store' as const };
      const response = await send(new Request(url, init));
      const text = await response.text();
      let data: unknown;
      try {
        data = text ? JSON.parse(text) : undefined;
      } catch (reason) {
        // A proxy's page says no more than its status; an answer that should be one of ours says nothing.
        if (response.ok) throw reason;
      }
      return response.ok ? { data, response } : { error: data, response };
    };
  const [GET, POST, PUT, PATCH] = ['GET', 'POST', 'PUT', 'PATCH'].map(call);
  return { GET, POST, PUT, PATCH } as unknown as Client<paths>;
}
