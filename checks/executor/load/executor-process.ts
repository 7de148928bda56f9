import { flushCompileCache } from 'node:module';
import { Executor, type ExecutorOptions, type Logger, silentLogger } from '@mad/core';
import { type LoadPlatformOptions, openLoadPlatform } from './load-platform.ts';
import { type PlainLimits, toQueueLimits } from './plain-limits.ts';

/** What the process is told, as JSON in its first argument. */
export interface ExecutorProcess extends Omit<LoadPlatformOptions, 'limits' | 'logger' | 'around'> {
  readonly limits?: PlainLimits | undefined;
  readonly executor: ExecutorOptions;
  /** Whether warnings and errors go to stderr. */
  readonly isLoud: boolean;
}

// An executor in a process of its own that runs until it is killed, or the process that started it has ended.
const { executor, limits, isLoud, ...options } = JSON.parse(process.argv[2] ?? '') as ExecutorProcess;
process.stdin.resume().on('end', () => process.exit());
const write = (facts: object, message: string): void => {
  const { err } = facts as { err?: unknown };
  process.stderr.write(`${process.pid} ${message}: ${err instanceof Error ? err.stack : ''}\n`);
};
const logger: Logger = isLoud ? { ...silentLogger, warn: write, error: write } : silentLogger;
const { platform } = await openLoadPlatform({ ...options, limits: toQueueLimits(limits), logger });
new Executor(platform, executor).start();
process.stdout.write('started\n');
// Nothing is written at the end of a process that is killed.
flushCompileCache();
