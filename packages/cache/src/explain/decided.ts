import type { CacheIdentity, CacheMissReason } from '@mad/core';
import type { Decision } from './explanation.ts';
import type { Rule } from './rule.ts';

/** A decision before it is explained. */
export interface Decided {
  readonly taskName: string;
  readonly taskKey: string | null;
  readonly decision: Decision;
  /** What the cache said; undefined where it was not asked, or had what was wanted. */
  readonly code?: CacheMissReason | undefined;
  /** Undefined: the rule of `code`. */
  readonly rule?: Rule | undefined;
  /** The job it waited for before the cache said `code`. */
  readonly waitedFor?: string | undefined;
  /** It was canceled before or after it began. */
  readonly canceled?: 'before' | 'after' | undefined;
  readonly decidedAt: Date | null;
  readonly cacheKey: string | null;
  /** As it would be looked up now. */
  readonly identity: CacheIdentity | undefined;
}
