import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Executor, listJobs, listTaskExecutions, silentLogger } from '@mad/core';
import { describeWithPrograms, isRunning, listChildren } from '@mad/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseArguments } from '../src/arguments.ts';
import { dock } from '../src/dock.ts';
import { openPlatform } from '../src/open-platform.ts';
import { registerDocking } from '../src/register-docking.ts';
import { startVinaService } from '../src/start-vina-service.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describeWithPrograms('the quickstart', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mad-quickstart-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (...args: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [MAIN, '--data', folder, '--exhaustiveness', '1', ...args],
        (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
        },
      );
    });

  test('docks the known inhibitor near its crystal pose, and the same job again comes from the cache', {
    timeout: 240_000,
  }, async () => {
    const { code, stdout } = await run('--json', '--seed', '7');
    const outcome = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(outcome).toMatchObject({
      status: 'COMPLETED',
      repeat: { cache_hit: true, canonical_job_id: outcome.job_id },
    });
    expect(outcome.poses[0]).toEqual({ rank: 1, affinity: expect.any(Number), rmsd_lb: 0, rmsd_ub: 0 });
    expect(outcome.poses[0].affinity).toBeLessThan(-8);
    expect(outcome.rmsd_to_crystal).toBeLessThan(2);
    expect(Object.keys(outcome)).toEqual(['job_id', 'status', 'poses', 'rmsd_to_crystal', 'repeat']);
    const told = (await run('--seed', '7')).stdout;
    expect(told).toMatch(/^Asking for /);
    expect(told).toContain(`Answered from the cache: job ${outcome.job_id} docked this before`);
    expect(told).toMatch(/^RMSD l\.b\. and u\.b\.: .* to pose 1$/m);
    expect(told).toMatch(/^Best pose: -\d+\.\d\d kcal\/mol with Vina's seed 7, \d\.\d\d Å from the crystal ligand/m);
    expect(await readdir(join(folder, 'jobs'))).toHaveLength(1);
  });

  test.each([
    ['no SMILES', ['--smiles', 'nonsense(('], /^The job failed \(INVALID_SMILES\): .*correct the SMILES$/m],
    ['pentavalent carbon', ['--smiles', 'C(C)(C)(C)(C)C'], /^The job failed \(INVALID_SMILES\): .*5 bonds/m],
    [
      'a box that misses',
      ['--center=500,500,500'],
      /^The job failed \(NO_POSES\): .*center the box on the binding site/m,
    ],
    ['a box of size 0', ['--size', '0,10,10'], /^job is not valid: \/parameters\/size\/x: must be > 0 \(--size\)$/m],
    [
      'a box too large',
      ['--size', '10,10,101'],
      /^job is not valid: \/parameters\/size\/z: must be <= 100 \(--size\)$/m,
    ],
    [
      'a place that cannot be written',
      ['--data', join(MAIN, 'here')],
      /^cannot keep anything in the folder .*main\.ts\/here \(ENOTDIR\)/m,
    ],
    ['a version that is not there', ['--dock', '^9'], /^task dock@\^9 was not found.*versions that exist: 1\.0\.0$/m],
    [
      'a service that is down',
      ['--service-url', 'http://127.0.0.1:9'],
      /^no docking service answers at http:\/\/127\.0\.0\.1:9/m,
    ],
  ])('says in one line what is wrong with %s', async (_what, args, line) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    const said = stderr.split('\n').filter((text) => text !== '' && !/^ +\d+ %/.test(text));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(line);
  });

  test('an argument that cannot be read is one line and exit code 2', async () => {
    expect(await run('--center', 'here')).toEqual({
      code: 2,
      stdout: '',
      stderr: '--center expects three numbers such as 12.5,-3,8, got "here"\n',
    });
  });

  test('with --json an argument that cannot be read is one object on standard output too', async () => {
    const { code, stdout, stderr } = await run('--json', '--service-url', 'foo');
    const message = '--service-url expects an address such as http://127.0.0.1:8080, got "foo"';
    expect({ code, stderr, answer: JSON.parse(stdout) }).toEqual({
      code: 2,
      stderr: '',
      answer: { job_id: null, status: 'FAILED', error: { code: 'USAGE', message } },
    });
  });

  test('Ctrl-C gives the job back for the next start and leaves no process behind', async () => {
    const own = join(folder, 'stopped');
    await cp(join(folder, 'postgres'), join(own, 'postgres'), { recursive: true });
    await cp(join(folder, 'artifacts'), join(own, 'artifacts'), { recursive: true });
    const child = spawn(process.execPath, [MAIN, '--data', own, '--exhaustiveness', '128'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exit = once(child, 'exit');
    let services: number[] = [];
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (!line.endsWith('TASK_STARTED dock')) continue;
      services = listChildren(child.pid ?? 0).map(({ pid }) => pid);
      child.kill('SIGINT');
    }
    expect(await exit).toEqual([130, null]);
    expect(said.at(-1)).toMatch(/^Stopped: job \S+ is not done; it goes on at the next start/);
    expect(services).toHaveLength(1);
    expect(services.filter(isRunning)).toEqual([]);
    await using opened = await openPlatform({ folder: own, serviceUrl: 'http://127.0.0.1:9', logger: silentLogger });
    const { items } = await listJobs(await opened.platform.results.get(opened.caller.orgId), {});
    expect(items.filter(({ status }) => status !== 'COMPLETED' && status !== 'FAILED')).toMatchObject([
      { status: 'PENDING' },
    ]);
  });

  test('failed jobs stand in the database with a typed error, every attempt closed', async () => {
    await using opened = await openPlatform({ folder, serviceUrl: 'http://127.0.0.1:9', logger: silentLogger });
    const results = await opened.platform.results.get(opened.caller.orgId);
    const { items } = await listJobs(results, { status: 'FAILED' });
    expect(items.map((job) => job.error?.code).toSorted()).toEqual(['INVALID_SMILES', 'INVALID_SMILES', 'NO_POSES']);
    expect((await listJobs(results, { status: 'RUNNING' })).items).toEqual([]);
    for (const { job_id: jobId } of items) {
      const executions = await listTaskExecutions(results, { jobId });
      expect(
        executions.filter(({ status, ended_at }) => status === 'RUNNING' || status === 'PENDING' || ended_at === null),
      ).toEqual([]);
    }
  });

  test('a service that goes away fails the job with SERVICE_UNAVAILABLE after the last attempt', async () => {
    const service = await startVinaService();
    await using opened = await openPlatform({ folder, serviceUrl: service.url, logger: silentLogger });
    await registerDocking(opened, { serviceUrl: service.url, dock: '^1' });
    await service[Symbol.asyncDispose]();
    await using executor = new Executor(opened.platform);
    executor.start();
    const asked = parseArguments(['--smiles', 'CCN', '--json']);
    expect(asked && (await dock(opened, { ...asked, fresh: true }))).toMatchObject({
      results: { status: 'FAILED', error: { code: 'SERVICE_UNAVAILABLE', retryable: true } },
      repeat: null,
      rmsdToCrystal: null,
    });
  });
});
