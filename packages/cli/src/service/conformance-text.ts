import { styleText } from 'node:util';
import type { ConformanceReport, RuleOutcome } from '@mad/tasks';
import { formatTable } from '../format-table.ts';

const COLORS = { passed: 'green', failed: 'red', skipped: 'gray' } as const;

/** A line a rule, what to do below those that failed, and a line that counts, for people. */
export function formatConformance(report: ConformanceReport, { isColored }: { readonly isColored: boolean }): string {
  const { serviceUrl, task, rules } = report;
  const { taskKey = 'a task without a key', version = '', operation } = task ?? {};
  const subject = task ? `${serviceUrl}: ${taskKey} ${version}, ${operation}` : serviceUrl;
  const rows = rules.map((rule) => [rule.outcome, rule.level, rule.id, textOf(rule)]);
  const lines = formatTable(rows)
    .split('\n')
    .flatMap((line, index) => {
      const rule = rules[index];
      if (!rule) return [];
      const shown = isColored
        ? line.replace(rule.outcome, styleText(COLORS[rule.outcome], rule.outcome, { validateStream: false }))
        : line;
      return rule.outcome === 'failed' ? [shown, `         ${rule.mend}`] : [shown];
    });
  return [subject, '', ...lines, '', countOf(rules), ''].join('\n');
}

const textOf = (rule: RuleOutcome): string => (rule.outcome === 'skipped' ? rule.reason : rule.seen);

function countOf(rules: readonly RuleOutcome[]): string {
  const count = (outcome: RuleOutcome['outcome']) => rules.filter((rule) => rule.outcome === outcome);
  const failed = count('failed');
  const must = failed.filter(({ level }) => level === 'must').length;
  const levels = failed.length > 0 ? ` (${must} must, ${failed.length - must} should or may)` : '';
  return `${rules.length} rules: ${count('passed').length} passed, ${failed.length} failed${levels}, ${count('skipped').length} skipped`;
}

/** The report as one JSON object, for machines. */
export function toConformanceJson({ serviceUrl, task, rules, passed }: ConformanceReport): string {
  const facts = task && { task_key: task.taskKey, version: task.version, operation: task.operation };
  return `${JSON.stringify({ service_url: serviceUrl, task: facts ?? null, passed, rules }, undefined, 2)}\n`;
}
