import { Agent } from 'node:http';
import axios from 'axios';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import type { Contender } from '../contender.ts';
import { DOCUMENT, REQUEST } from '../dock-document.ts';

export const plainAxios: Contender = {
  name: 'axios',
  async open(url) {
    const httpAgent = new Agent({ keepAlive: true });
    const client = axios.create({ baseURL: url, httpAgent, proxy: false });
    return {
      call: async () => (await client.post('/dock', REQUEST)).data,
      async [Symbol.asyncDispose]() {
        httpAgent.destroy();
      },
    };
  },
};

export const openapiClientAxios: Contender = {
  name: 'openapi-client-axios',
  async open(url) {
    const httpAgent = new Agent({ keepAlive: true });
    const api = new OpenAPIClientAxios({
      definition: DOCUMENT as unknown as ConstructorParameters<typeof OpenAPIClientAxios>[0]['definition'],
      axiosConfigDefaults: { baseURL: url, httpAgent, proxy: false },
    });
    const client = await api.init();
    return {
      call: async () => (await client.dock?.(undefined, REQUEST))?.data,
      async [Symbol.asyncDispose]() {
        httpAgent.destroy();
      },
    };
  },
};
