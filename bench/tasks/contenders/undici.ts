import { Agent, type Dispatcher, fetch, request } from 'undici';
import type { Contender } from '../contender.ts';
import { REQUEST } from '../dock-document.ts';

const headers = { 'content-type': 'application/json', accept: 'application/json' };

/** What the client below all of them allows: callbacks and nothing else. */
export const undiciDispatch: Contender = {
  name: 'undici.dispatch',
  async open(url) {
    const agent = new Agent();
    return {
      call: () =>
        new Promise((resolve, reject) => {
          const chunks: Buffer[] = [];
          const handler: Dispatcher.DispatchHandler = {
            onRequestStart: () => {},
            onResponseStart: () => {},
            onResponseData: (_, chunk) => void chunks.push(chunk),
            onResponseEnd: () => {
              const [first] = chunks;
              const body = chunks.length === 1 && first ? first : Buffer.concat(chunks);
              resolve(JSON.parse(body.toString()));
            },
            onResponseError: (_, error) => reject(error),
          };
          const sent = { origin: url, path: '/dock', method: 'POST' as const, headers, body: JSON.stringify(REQUEST) };
          agent.dispatch(sent, handler);
        }),
      [Symbol.asyncDispose]: () => agent.close(),
    };
  },
};

export const undiciRequest: Contender = {
  name: 'undici.request',
  async open(url) {
    const dispatcher = new Agent();
    return {
      async call() {
        const sent = { method: 'POST', headers, body: JSON.stringify(REQUEST), dispatcher } as const;
        const { body } = await request(`${url}/dock`, sent);
        return body.json();
      },
      [Symbol.asyncDispose]: () => dispatcher.close(),
    };
  },
};

export const undiciFetch: Contender = {
  name: 'undici.fetch',
  async open(url) {
    const dispatcher = new Agent();
    return {
      async call() {
        const answer = await fetch(`${url}/dock`, {
          ...{ method: 'POST', headers, dispatcher },
          body: JSON.stringify(REQUEST),
        });
        return answer.json();
      },
      [Symbol.asyncDispose]: () => dispatcher.close(),
    };
  },
};
