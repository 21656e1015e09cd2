import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Downstream } from './installation';

/** What a downstream is like: it works, refuses our token, lets writes wait, or everything. */
export type Mood = 'works' | 'refuses' | 'waits' | 'stands';

/** Stands before a downstream and has moods. */
export async function front({ url, token }: Downstream) {
  let mood: Mood = 'works';
  let waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const late = mood === 'stands' || (mood === 'waits' && request.method !== 'GET');
    if (late) await new Promise<void>(resolve => waiting.push(resolve));
    if (mood === 'refuses') {
      const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' };
      response.writeHead(401, { 'content-type': 'application/scim+json' });
      return response.end(JSON.stringify(body));
    }
    const { authorization = '', 'content-type': type = 'application/scim+json' } = request.headers;
    const answer = await fetch(url + request.url, {
      method: request.method,
      headers: { authorization, 'content-type': type },
      body: chunks.length ? Buffer.concat(chunks) : undefined,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? type });
    response.end(await answer.text());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    become(next: Mood) {
      mood = next;
      for (const go of waiting) go();
      waiting = [];
    },
    close: () => server.close(),
  };
}
