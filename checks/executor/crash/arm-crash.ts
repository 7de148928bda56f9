import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import type { ArtifactStore } from '@mad/core';
import type { WorkGraph } from '../work/work-graphs.ts';
import { type CrashPoint, type Seen, stepOf, type Told } from './crash-points.ts';

/** Calls `die`, by default SIGKILL for this process, in the moment of the point. Returns what is to stand around its artifact store. */
export function armCrash(
  { told, seen, bytes = 0 }: CrashPoint,
  graph: WorkGraph,
  die: () => void = killThisProcess,
): (store: ArtifactStore) => ArtifactStore {
  const wait: Record<Seen, () => void> = {
    'request sent': () => dieOnRequest(graph, die),
    'half a response': () => dieOnPart({ graph, bytes, die }),
    'artifact written': () => {
      isPutDeadly = true;
    },
    'commit sent': () => dieOnCommit(die),
  };
  let isPutDeadly = false;
  inOrder(graph, told, seen ? wait[seen] : die);
  return (store) => ({
    ...store,
    async put(orgId, content) {
      const stored = await store.put(orgId, content);
      if (isPutDeadly) die();
      return stored;
    },
  });
}

function killThisProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Calls `then` when the points have been told one after the other. */
function inOrder(graph: WorkGraph, [next, ...more]: readonly Told[], then: () => void): void {
  let isPassed = false;
  if (next === undefined) then();
  else {
    const { point, of } = typeof next === 'string' ? { point: next } : next;
    subscribe(`mad:${point}`, (facts) => {
      if (isPassed || (of && (facts as { step: string }).step !== stepOf(graph, of))) return;
      isPassed = true;
      inOrder(graph, more, then);
    });
  }
}

/** An HTTP request as undici tells of it. */
interface SentRequest {
  readonly request: { readonly headers: unknown };
  readonly chunk?: Uint8Array;
}

function dieOnRequest(graph: WorkGraph, die: () => void): void {
  subscribe('undici:request:bodySent', (sent) => {
    if (isOfMiddle(graph, sent as SentRequest)) setImmediate(die);
  });
}

interface DieOnPart {
  readonly graph: WorkGraph;
  readonly bytes: number;
  readonly die: () => void;
}

/** Base64 makes four characters of three bytes: after fewer than `bytes` the answer is not whole. */
function dieOnPart({ graph, bytes, die }: DieOnPart): void {
  let received = 0;
  subscribe('undici:request:bodyChunkReceived', (sent) => {
    if (!isOfMiddle(graph, sent as SentRequest)) return;
    received += (sent as SentRequest).chunk?.byteLength ?? 0;
    if (received < bytes) die();
  });
}

/** As soon as the kernel has the statement: the server will carry it out, and nobody will hear of it. */
function dieOnCommit(die: () => void): void {
  const { write } = Socket.prototype;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]): boolean {
    const [chunk] = args;
    const isCommit = chunk instanceof Uint8Array && Buffer.from(chunk).includes('TASK_COMPLETED');
    return Reflect.apply(write, this, isCommit ? [chunk, die] : args);
  } as typeof write;
}

/** By its idempotency key. */
const isOfMiddle = ({ middle }: WorkGraph, { request }: SentRequest): boolean =>
  JSON.stringify(request.headers).includes(`/${middle}/`);
