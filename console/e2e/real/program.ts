import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const console_ = join(import.meta.dirname, '../..');
const program = join(process.env.CARGO_TARGET_DIR ?? join(console_, '../target'), 'debug/kevra-scim');

type Settings = Record<string, string>;

/** A question asked until it has an answer; past the deadline it is the failure. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export const ok = (url: string) => async () => (await fetch(url)).ok;

/** A port nobody has right now. */
export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** The built program: what it runs lives in one directory, and ends with it. */
export class Program {
  readonly directory = mkdtempSync(join(tmpdir(), 'kevra-console-test-'));
  private readonly running: ChildProcess[] = [];

  constructor(private readonly settings: Settings) {
    if (!existsSync(program)) throw new Error(`${program} is not there: run \`cargo build\` first`);
  }

  /** A command run to its end. */
  run(...words: string[]): void {
    const { status, stderr } = spawnSync(program, words, { env: this.env({}), encoding: 'utf8' });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }

  /** A command that stays, once it is ready. */
  async start(words: string[], ready: () => Promise<boolean>, more: Settings = {}): Promise<void> {
    const log = join(this.directory, `${this.running.length}.log`);
    const file = openSync(log, 'w');
    const child = spawn(program, words, { env: this.env(more), stdio: ['ignore', file, file] });
    this.running.push(child);
    await until(words[0] ?? '', async () => child.exitCode !== null || (await ready())).catch(reason => {
      throw new Error(`${reason}\n${readFileSync(log, 'utf8')}`);
    });
    if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8'));
  }

  async stop(): Promise<void> {
    for (const child of this.running) child.kill('SIGTERM');
    await until('the end', async () => this.running.every(child => child.exitCode !== null || child.signalCode), 20);
    rmSync(this.directory, { recursive: true, force: true });
  }

  private env(more: Settings): NodeJS.ProcessEnv {
    const { PATH, HOME, TMPDIR } = process.env;
    return { PATH, HOME, TMPDIR, KEVRA_CONSOLE_DIR: join(console_, 'dist'), ...this.settings, ...more };
  }
}
