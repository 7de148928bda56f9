import { describe } from 'vitest';
import { describeResultCache } from './describe-result-cache.ts';
import { openOnPostgres } from './opened-cache.ts';

describe('on PostgreSQL', () => describeResultCache(openOnPostgres));
