import type { Schemas } from '../client';

type Entry = Schemas['ActivityEntry'];

/** Cuts an event stream into its events' data; comment lines, sent to keep the line open, are dropped. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const data = part.split('\n').filter(line => line.startsWith('data:'));
        if (data.length) yield data.map(line => line.slice(5).trimStart()).join('\n');
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

interface Listener {
  onOpen: () => void;
  onEntry: (entry: Entry) => void;
  onLost: () => void;
}

/** Follows the stream until aborted; after a break it waits 1, 2, 4 … 30 s. */
export async function follow(
  open: (signal: AbortSignal) => Promise<Response>,
  signal: AbortSignal,
  listener: Listener,
) {
  let wait = 1000;
  while (!signal.aborted) {
    try {
      const response = await open(signal);
      if (!response.ok || !response.body) throw new Error(String(response.status));
      listener.onOpen();
      wait = 1000;
      for await (const data of events(response.body)) {
        if (signal.aborted) return;
        listener.onEntry(JSON.parse(data) as Entry);
      }
    } catch {
      if (signal.aborted) return;
    }
    listener.onLost();
    await new Promise(resolve => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 30_000);
  }
}
