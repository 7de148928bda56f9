import { subscribe } from 'node:diagnostics_channel';
import { Executor } from '@mad/core';
import { openWorkPlatform } from '../../executor/work/work-platform.ts';
import { ADOPTION_POINTS, type AdoptionPoint } from './adoption-points.ts';

/** What a process that is to die is told, as JSON in its first argument. */
export interface AdoptionProcess {
  readonly url: string;
  readonly serviceUrl: string;
  readonly folder: string;
  readonly leaseMs: number;
  readonly point: string;
}

// An executor in a process of its own that dies at its point. It cannot outlive the process that started it.
const { point, leaseMs, ...options } = JSON.parse(process.argv[2] ?? '') as AdoptionProcess;
process.stdin.resume().on('end', () => process.exit());
const found = ADOPTION_POINTS.find(({ name }) => name === point);
if (!found) throw new TypeError(`expected a known point, not ${point}`);
arm(found);
const { platform } = await openWorkPlatform({ ...options, cached: false });
new Executor(platform, { leaseMs }).start();

/** An HTTP request as undici tells of it. */
interface Sent {
  readonly request: { readonly method: string; readonly path: string };
}

function arm({ moment, at, afterMs = 0 }: AdoptionPoint): void {
  let seen = 0;
  const pass = (): void => {
    if (++seen !== at) return;
    if (afterMs > 0) setTimeout(die, afterMs);
    else die();
  };
  const on = (name: string, matches: (sent: Sent) => boolean): void =>
    subscribe(name, (message) => {
      if (matches(message as Sent)) pass();
    });
  const isPoll = ({ request: { method, path } }: Sent): boolean => method === 'GET' && /executions|orders/.test(path);
  if (moment === 'submit answered') on('undici:request:headers', ({ request }) => request.method === 'POST');
  if (moment === 'poll begun') on('undici:request:create', isPoll);
  if (moment === 'poll answered') on('undici:request:trailers', isPoll);
  if (moment === 'answered') on('mad:attempt.answered', () => true);
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
