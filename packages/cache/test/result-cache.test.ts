import { describe } from 'vitest';
import { describeResultCache } from './describe-result-cache.ts';
import { openOnPglite } from './opened-cache.ts';

describe('on PGlite', () => describeResultCache(openOnPglite));
