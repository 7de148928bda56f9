import { isDeepStrictEqual } from 'node:util';
import type { Caller } from './contender.ts';
import { loadContender } from './contenders/index.ts';
import { ANSWER } from './dock-document.ts';
import { answerOnce } from './run-in-process.ts';

/** What a trial is told. */
export interface Trial {
  readonly contender: string;
  readonly url: string;
  readonly atATime: number;
  readonly warmUp: number;
  readonly calls: number;
}

export interface TrialResult {
  /** Milliseconds from the start of the process to its first answer. */
  readonly firstMs: number;
  readonly callsPerSecond: number;
  /** Of this process, in microseconds a call. */
  readonly cpuUs: number;
  /** Milliseconds of one call. */
  readonly p50: number;
  readonly p99: number;
}

answerOnce(runTrial);

async function runTrial({ contender, url, atATime, warmUp, calls }: Trial): Promise<TrialResult> {
  await using caller = await (await loadContender(contender)).open(url);
  const answer = await caller.call();
  const firstMs = performance.now();
  if (!isDeepStrictEqual(answer, ANSWER)) throw new Error(`${contender} gave ${JSON.stringify(answer)}`);
  await run(caller, { atATime, calls: warmUp });
  const cpu = process.cpuUsage();
  const began = performance.now();
  const times = await run(caller, { atATime, calls });
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  return {
    firstMs,
    callsPerSecond: calls / seconds,
    cpuUs: (user + system) / calls,
    p50: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

/** Milliseconds of each call. */
async function run(caller: Caller, { atATime, calls }: { atATime: number; calls: number }): Promise<number[]> {
  const times: number[] = [];
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const began = performance.now();
      await caller.call();
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return times;
}
