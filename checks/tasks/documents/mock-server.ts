import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

export interface MockServer extends AsyncDisposable {
  readonly url: string;
  /** Starts it again where the last request has ended it. */
  revive(): Promise<void>;
}

const START_MS = 60_000;
const require = createRequire(import.meta.url);

/** Prism in a process of its own: it answers each operation of the document as declared, and refuses requests that break it. */
export async function startMockServer(document: string): Promise<MockServer> {
  const port = await findPort();
  const url = `http://127.0.0.1:${port}`;
  let child = await start(document, port);
  const stop = async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    url,
    async revive() {
      if (await answers(url)) return;
      await stop();
      child = await start(document, port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function start(document: string, port: number): Promise<ChildProcess> {
  const cli = join(dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist/index.js');
  const options = ['mock', document, '--host', '127.0.0.1', '--port', String(port), '--multiprocess', 'false'];
  const child = spawn(process.execPath, [cli, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000);
    });
  const until = performance.now() + START_MS;
  while (!(await answers(`http://127.0.0.1:${port}`))) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new TypeError(`the mock server of ${document} did not start: ${said}`);
    }
    await sleep(100);
  }
  return child;
}

/** Also when the path is none of its own. */
async function answers(url: string): Promise<boolean> {
  const answer = await request(url).catch(() => undefined);
  await answer?.body.dump().catch(() => {});
  return answer !== undefined;
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
