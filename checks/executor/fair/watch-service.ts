import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { WorkService } from '../work/work-service.ts';

/** How many calls the service had open at a time, at most, by whatever a job belongs to. */
export interface ServiceWatch extends Disposable {
  mostAtATime(): ReadonlyMap<string, number>;
}

/** Counts every call of the service from its request to its answer. `belongsTo` names what a job counts for. */
export function watchService({ url }: WorkService, belongsTo: (jobId: string) => readonly string[]): ServiceWatch {
  const port = Number(new URL(url).port);
  const open = new Map<string, number>();
  const most = new Map<string, number>();
  const count = (message: unknown, change: 1 | -1): void => {
    const { request } = message as { request: IncomingMessage };
    const key = request.headers['idempotency-key'];
    if (request.socket.localPort !== port || typeof key !== 'string') return;
    for (const name of belongsTo(key.split('/', 1)[0] ?? '')) {
      const now = (open.get(name) ?? 0) + change;
      open.set(name, now);
      most.set(name, Math.max(most.get(name) ?? 0, now));
    }
  };
  const begin = (message: unknown) => count(message, 1);
  const end = (message: unknown) => count(message, -1);
  subscribe('http.server.request.start', begin);
  subscribe('http.server.response.finish', end);
  return {
    mostAtATime: () => most,
    [Symbol.dispose]() {
      unsubscribe('http.server.request.start', begin);
      unsubscribe('http.server.response.finish', end);
    },
  };
}
