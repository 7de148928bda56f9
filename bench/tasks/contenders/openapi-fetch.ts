import createClient from 'openapi-fetch';
import type { Contender } from '../contender.ts';
import { type ANSWER, REQUEST } from '../dock-document.ts';

interface Paths {
  readonly '/dock': {
    readonly post: {
      readonly requestBody: { readonly content: { readonly 'application/json': typeof REQUEST } };
      readonly responses: { readonly 200: { readonly content: { readonly 'application/json': typeof ANSWER } } };
    };
  };
}

export const openapiFetch: Contender = {
  name: 'openapi-fetch',
  async open(url) {
    const client = createClient<Paths>({ baseUrl: url });
    return {
      async call() {
        const { data } = await client.POST('/dock', { body: REQUEST });
        return data;
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};
