import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provisionPrograms } from './provision.ts';
import { runStage, runTool, stages } from './stages.ts';
import { countTests, type TestCounts, type TestReport } from './test-report.ts';

// `npm test`: every stage, a failed one stops no other. The last line holds the counts: each test is one, each other stage is one.
const missing = provisionPrograms();
let passed = 0;
let failed = 0;
for (const stage of stages) {
  if (await runStage(stage)) passed++;
  else failed++;
}

const counts = await runTests(process.argv.slice(2));
if (counts.leftOut.length > 0) {
  const reason = missing.length > 0 ? `, ${missing.join(' and ')} being missing` : '';
  console.log(`\n!! ${counts.leftOut.length} tests were LEFT OUT${reason}:`);
  for (const test of counts.leftOut) console.log(`   ${test}`);
}
passed += counts.passed;
failed += counts.failed;
process.exitCode = failed > 0 ? 1 : 0;
console.log(`\n${passed} passed, ${failed} failed`);

async function runTests(args: readonly string[]): Promise<TestCounts> {
  const folder = await mkdtemp(join(tmpdir(), 'mad-tests-'));
  const file = join(folder, 'report.json');
  const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args];
  try {
    const allWell = await runStage({ name: 'tests', run: () => runTool('vitest/vitest.mjs', vitest) });
    const counts = countTests(JSON.parse(await readFile(file, 'utf8')) as TestReport);
    // An error outside any test fails the run, though no test tells of it.
    return { ...counts, failed: allWell ? counts.failed : Math.max(counts.failed, 1) };
  } catch {
    console.error('vitest left no report: it did not get to the tests');
    return { passed: 0, failed: 1, leftOut: [] };
  } finally {
    await rm(folder, { recursive: true });
  }
}
