import { Executor } from '@mad/core';
import { WORK_GRAPHS } from '../work/work-graphs.ts';
import { openWorkPlatform } from '../work/work-platform.ts';
import { armCrash } from './arm-crash.ts';
import { CRASH_POINTS } from './crash-points.ts';

/** What a process that is to die is told, as JSON in its first argument. */
export interface CrashProcess {
  readonly url: string;
  readonly serviceUrl: string;
  readonly folder: string;
  readonly leaseMs: number;
  readonly point: string;
  readonly graph: string;
}

// An executor in a process of its own that dies at its point. It cannot outlive the process that started it.
const { point, graph, leaseMs, ...options } = JSON.parse(process.argv[2] ?? '') as CrashProcess;
process.stdin.resume().on('end', () => process.exit());
const crashPoint = CRASH_POINTS.find(({ name }) => name === point);
const workGraph = WORK_GRAPHS.find(({ name }) => name === graph);
if (!crashPoint || !workGraph) throw new TypeError(`expected a known point and graph, not ${point} and ${graph}`);
const around = armCrash(crashPoint, workGraph);
const { platform } = await openWorkPlatform({ ...options, cached: crashPoint.cached ?? false, around });
new Executor(platform, { leaseMs }).start();
