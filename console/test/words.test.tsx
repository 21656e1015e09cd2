import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operator } from '../e2e/world.mjs';
import { parse } from '../src/guide/markdown';
import { Session, SessionEnded } from '../src/session';
import * as strings from '../src/strings';
import { age, ago, clock } from '../src/time';
import { bareToken, urlFault } from '../src/url';

const GUIDES = join(import.meta.dirname, '../../docs/guides');
const guides = readdirSync(GUIDES).filter(name => name.endsWith('.md'));
const text = (name: string) => readFileSync(join(GUIDES, name), 'utf8');
const bold = (markdown: string) =>
  [...markdown.matchAll(/\*\*(.+?)\*\*/gs)].map(([, words]) => words?.replace(/\s+/g, ' '));

describe('guides and panel say the same words', () => {
  const labels: string[] = Object.values(strings.label);

  it.each(guides)('every bold label of %s is a label of the panel', name => {
    expect(bold(text(name)).filter(words => !labels.includes(words ?? ''))).toEqual([]);
  });

  it('every label the user acts on is in a guide', () => {
    const inGuides = new Set(guides.flatMap(name => bold(text(name))));
    const { show, hide, outbound, ...needed } = strings.label;
    expect(Object.values({ outbound, ...needed }).filter(words => !inGuides.has(words))).toEqual([]);
    expect([show, hide]).toEqual(['Show', 'Hide']);
  });

  it('the words of the contract are exact', () => {
    expect(labels).toEqual(
      expect.arrayContaining([
        'Open Admin Console',
        'Identity sync (SCIM 2.0)',
        'Inbound SCIM',
        'Outbound SCIM',
        'Enabled',
        'Disabled',
        'Enable inbound SCIM',
        'SCIM base URL',
        'Rotate token',
        'Disable',
        'Downstream SCIM base URL',
        'Downstream bearer token',
        'Enable outbound SCIM',
      ]),
    );
  });

  it.each(guides)('%s uses only what the panel can show, and its links lead somewhere', name => {
    for (const [, target] of text(name).matchAll(/\]\((?!https:)([^)]+)\)/g)) expect(guides).toContain(target);
    expect(text(name)).not.toMatch(/^(>|\||#{3,} |\* | +- )/m);
  });

  it('placeholders are the two that are filled in', () => {
    const found = guides.flatMap(name => [...text(name).matchAll(/\{\{(.+?)\}\}/g)].map(([, key]) => key));
    expect([...new Set(found)].sort()).toEqual(['base_url', 'token']);
  });
});

describe('guides are done step by step', () => {
  const spec = ['guides', 'idps']
    .map(name => readFileSync(join(import.meta.dirname, `../e2e/real/${name}.spec.ts`), 'utf8'))
    .join('\n');
  /** The steps of a guide's test, by their names. */
  const stepsOf = (name: string) => {
    const own = spec.split(/^test\(/m).find(part => new RegExp(`^'guide: ${name}[',]`).test(part)) ?? '';
    return [...own.matchAll(/(?:step|item)\(\s*(?:page,\s*)?(['"])(.+?)\1,?/g)].map(([, , step]) => step);
  };
  const itemsOf = (name: string, kinds: string[]) =>
    parse(text(`${name}.md`))
      .flatMap(block => ('items' in block && kinds.includes(block.kind) ? block.items : []))
      .map(item => item.replace(/[*`]/g, '').split(/[.:;](?:\s|$)/)[0]);

  it.each([
    ['inbound', ['ol'], 14],
    ['outbound', ['ol'], 10],
    ['okta', ['ol', 'ul'], 12],
    ['entra-id', ['ol', 'ul'], 7],
    ['google-workspace', ['ol', 'ul'], 6],
  ])('every item of %s is a step, in the guide’s order', (name, kinds, least) => {
    const wanted = itemsOf(name, kinds);
    expect(wanted.length).toBeGreaterThanOrEqual(least);
    expect(stepsOf(name).filter(step => wanted.includes(step))).toEqual(wanted);
  });

  it('every guide is among them, and the commands of curl.md are run as they are', () => {
    const done = [...spec.matchAll(/^test\('guide: ([\w-]+)/gm)].map(([, name]) => `${name}.md`);
    expect(done.sort()).toEqual(guides.filter(name => name !== 'README.md').sort());
    const commands = parse(text('curl.md')).filter(block => block.kind === 'code');
    expect(spec).toContain(`toHaveCount(${commands.length})`);
  });
});

describe('the guide’s Markdown', () => {
  it('knows headings, paragraphs, lists over several lines, and code', () => {
    expect(parse('# Title\n\nOne\ntwo\n\n## Part\n\n1. a\n2. b\n   c\n\n- d\n\n```\nx  y\n```\n')).toEqual([
      { kind: 'text', text: 'One two' },
      { kind: 'heading', text: 'Part' },
      { kind: 'ol', items: ['a', 'b c'] },
      { kind: 'ul', items: ['d'] },
      { kind: 'code', text: 'x  y' },
    ]);
  });
});

describe('the session', () => {
  it('asks for the next token when less than a minute is left, once for calls that start together', async () => {
    let asked = 0;
    const session = new Session(async () => operator({ seconds: asked++ ? 600 : 30 }));
    await Promise.all([session.bearer(), session.bearer()]);
    expect(asked).toBe(1);
    await session.bearer();
    expect(asked).toBe(2);
    await session.bearer();
    expect(asked).toBe(2);
  });

  it('ends when there is no token, or a dead one', async () => {
    await expect(new Session(async () => '').bearer()).rejects.toBeInstanceOf(SessionEnded);
    await expect(new Session(() => Promise.reject(new Error('no'))).bearer()).rejects.toBeInstanceOf(SessionEnded);
    await expect(new Session(async () => operator({ seconds: -1 })).bearer()).rejects.toBeInstanceOf(SessionEnded);
  });

  it('reads rights for this tenant only', async () => {
    const session = new Session(async () => operator({ tenant: 'acme', scope: 'sync:read sync:write' }));
    await session.bearer();
    expect(session.may('sync:write', 'acme')).toBe(true);
    expect(session.may('sync:write', 'globex')).toBe(false);
    expect(session.may('realm:write', 'acme')).toBe(false);
  });
});

describe('small things', () => {
  it('ages', () => {
    expect([0, 59, 60, 3599, 3600, 86_400 * 3].map(age)).toEqual(['0 s', '59 s', '1 min', '59 min', '1 h', '3 d']);
    const at = '2026-01-01T00:00:00.000Z';
    expect(ago(at, Date.parse(at) + 500)).toBe('just now');
    expect(ago(at, Date.parse(at) + 14_000)).toBe('14 s ago');
    expect(clock(new Date().toISOString(), 'en')).toMatch(/^\d\d:\d\d$/);
    expect(clock('2020-05-06T12:00:00Z', 'en')).toMatch(/May 6/);
  });

  it('every spelling of an address is an address', () => {
    for (const host of ['2130706433', '0x7f.1', '127.0.0.1', '[::1]', '0177.0.0.1']) {
      expect(urlFault(`https://${host}/scim`)).toBe('ip');
    }
    expect(urlFault('https://a.example.com:8443/scim/v2')).toBeUndefined();
    expect(urlFault('')).toBe('empty');
    expect(urlFault('a.example.com')).toBe('url');
    expect(urlFault('https://a.example.com/v2/ServiceProviderConfig/')).toBe('endpoint');
  });

  it('drops the word Bearer, whatever its case', () => {
    expect(bareToken('  bearer   abc ')).toBe('abc');
    expect(bareToken('Bearerabc')).toBe('Bearerabc');
  });

  it.each([
    ['test', /row (\d+)\b/g],
    ['e2e', /row\(page, (\d+),/g],
  ])('has no row of the contract without a test in %s', (directory, mark) => {
    const place = join(import.meta.dirname, '..', directory);
    const files = readdirSync(place).filter(name => /\.(test|spec)\.tsx?$/.test(name));
    const all = files.map(name => readFileSync(join(place, name), 'utf8')).join('');
    const rows = new Set([...all.matchAll(mark)].map(([, row]) => Number(row)));
    expect(Array.from({ length: 47 }, (_, at) => at + 1).filter(row => !rows.has(row))).toEqual([]);
  });
});
