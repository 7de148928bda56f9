import { relative } from 'node:path';
import { root } from './repository.ts';

/** The part of vitest's JSON report that is read here. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that were not run, by file and name. */
  readonly leftOut: readonly string[];
}

/** Counts a report. A file that failed before or beside its tests counts as one more failure; a run without any test is one, too. */
export function countTests({ testResults }: TestReport): TestCounts {
  let passed = 0;
  let failed = 0;
  const leftOut: string[] = [];
  for (const { name, status, assertionResults } of testResults) {
    const failures = assertionResults.filter((test) => test.status === 'failed').length;
    passed += assertionResults.filter((test) => test.status === 'passed').length;
    failed += failures === 0 && status === 'failed' ? 1 : failures;
    const skipped = assertionResults.filter((test) => test.status !== 'failed' && test.status !== 'passed');
    leftOut.push(...skipped.map((test) => `${relative(root, name)}: ${test.fullName}`));
  }
  return { passed, failed: passed + failed === 0 ? 1 : failed, leftOut };
}
