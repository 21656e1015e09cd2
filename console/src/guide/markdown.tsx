import type { ReactNode } from 'react';

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'ol' | 'ul'; items: string[] };

/**
 * The few constructs the guides use: `##` headings, paragraphs, numbered and plain lists (one line an item, or more when
 * indented), fenced code. The `#` title is the documentation's; the panel has its tabs for that.
 */
export function parse(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const last = blocks.at(-1);
    const item = /^(\d+\.|-) (.*)/.exec(line);
    if (line.startsWith('```')) {
      const end = lines.indexOf('```', at + 1);
      blocks.push({ kind: 'code', text: lines.slice(at + 1, end).join('\n') });
      at = end;
    } else if (line.startsWith('## ')) {
      blocks.push({ kind: 'heading', text: line.slice(3) });
    } else if (item) {
      const kind = item[1] === '-' ? 'ul' : 'ol';
      const text = item[2] ?? '';
      if (last?.kind === kind) last.items.push(text);
      else blocks.push({ kind, items: [text] });
    } else if (/^\s+\S/.test(line) && (last?.kind === 'ol' || last?.kind === 'ul')) {
      last.items.push(`${last.items.pop()} ${line.trim()}`);
    } else if (line && !line.startsWith('#')) {
      if (last?.kind === 'text' && lines[at - 1]) last.text += ` ${line}`;
      else blocks.push({ kind: 'text', text: line });
    }
  }
  return blocks;
}

/** `**bold**`, `*other people's labels*`, `` `code` `` and [links](https://…). */
export function inline(text: string): ReactNode[] {
  return text.split(/(\*\*.+?\*\*|\*.+?\*|`.+?`|\[.+?\]\(.+?\))/).map((part, at) => {
    const inner = part.slice(1, -1);
    const link = /^\[(.+)\]\((.+)\)$/.exec(part);
    // The parts of a fixed text keep their places, so the place is a good key.
    const key = `${at}`;
    if (part.startsWith('**')) return <strong key={key}>{part.slice(2, -2)}</strong>;
    if (part.startsWith('*')) return <em key={key}>{inner}</em>;
    if (part.startsWith('`')) return <code key={key}>{inner}</code>;
    return link ? (
      <a key={key} href={link[2]} target="_blank" rel="noreferrer">
        {link[1]}
      </a>
    ) : (
      part
    );
  });
}
