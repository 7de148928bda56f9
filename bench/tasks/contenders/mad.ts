import { openServiceClient } from '@mad/tasks';
import type { Contender } from '../contender.ts';
import { DOCUMENT, REQUEST } from '../dock-document.ts';

/** Request and answer held against the document, defaults, deadline, limits, retries and all. */
export const mad: Contender = {
  name: 'mad',
  async open(serviceUrl) {
    const client = await openServiceClient({ document: DOCUMENT, serviceUrl });
    return {
      call: async () => (await client.call('dock', REQUEST)).body,
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
};
