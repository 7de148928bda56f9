import type { RuleFacts } from './conformance-report.ts';
import { documentRules } from './document-rules.ts';
import { enduranceRules } from './endurance-rules.ts';
import { executionRules } from './execution-rules.ts';
import { refusalRules } from './refusal-rules.ts';
import { routeRules } from './route-rules.ts';
import type { Rule } from './rule.ts';

/** In the order in which they are checked: what a rule finds serves those after it. */
export const rules: readonly Rule[] = [
  ...documentRules,
  ...routeRules,
  ...executionRules,
  ...refusalRules,
  ...enduranceRules,
];

/** Every rule that `checkService` checks, in order. */
export const conformanceRules: readonly RuleFacts[] = rules.map(({ id, level, holds, mend }) => ({
  id,
  level,
  holds,
  mend,
}));
