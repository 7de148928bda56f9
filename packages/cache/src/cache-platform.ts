import type { Platform } from '@mad/core';

/** What of a platform the management of its cache needs. */
export type CachePlatform = Pick<Platform, 'metadata' | 'results' | 'artifacts' | 'logger'>;
