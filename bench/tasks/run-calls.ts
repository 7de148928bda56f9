import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { runInProcess } from './run-in-process.ts';
import type { Trial, TrialResult } from './trial-process.ts';

export interface CallsRound extends TrialResult {
  readonly round: number;
}

/** By contender, one result a round. */
export type CallsResults = ReadonlyMap<string, readonly CallsRound[]>;

export interface RunCalls {
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly calls: number;
  readonly say: (line: string) => void;
}

const AT_A_TIME = 50;

/** All contenders in turns against one service, each round in an order rotated by one, each trial in a process of its own. @throws when one fails. */
export async function runCalls({ contenders, rounds, calls, say }: RunCalls): Promise<CallsResults> {
  const service = fork(join(import.meta.dirname, 'server/service-process.ts'));
  try {
    const [{ port }] = (await once(service, 'message')) as [{ port: number }];
    const results = new Map<string, CallsRound[]>(contenders.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const first = round % contenders.length;
      for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
        const trial: Trial = {
          ...{ contender, url: `http://127.0.0.1:${port}`, atATime: AT_A_TIME },
          ...{ warmUp: Math.ceil(calls / 4), calls },
        };
        const result = await runInProcess<TrialResult>('trial-process.ts', trial);
        results.get(contender)?.push({ round, ...result });
        say(`round ${round + 1}: ${contender} ${result.callsPerSecond.toFixed(0)} calls/s`);
      }
    }
    return results;
  } finally {
    service.disconnect();
  }
}
