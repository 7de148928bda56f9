/** `must`: mad cannot use the service as it is. `should`: it can, at a price. `may`: it could do more for those who call it. */
export type RuleLevel = 'must' | 'should' | 'may';

export interface RuleFacts {
  /** Stable: `valid-request`. */
  readonly id: string;
  readonly level: RuleLevel;
  /** What holds of a service that passes, as a sentence. */
  readonly holds: string;
  /** What to do where it does not. */
  readonly mend: string;
}

/** What a check of a rule found. Text of a service in it is one line, and at most 500 characters long. */
export type Verdict =
  | { readonly outcome: 'passed'; readonly seen: string }
  | { readonly outcome: 'failed'; readonly seen: string }
  | { readonly outcome: 'skipped'; readonly reason: string };

export type RuleOutcome = RuleFacts & Verdict;

/** What one run has found of a service. */
export interface ConformanceReport {
  readonly serviceUrl: string;
  /** As its document says; undefined where it has no document that can be read. `operation` is `post /execute`. */
  readonly task:
    | { readonly taskKey: string | undefined; readonly version: string | undefined; readonly operation: string }
    | undefined;
  /** One for each of `conformanceRules`, in their order. */
  readonly rules: readonly RuleOutcome[];
  /** False when a `must` failed. */
  readonly passed: boolean;
}
