import { randomUUID } from 'node:crypto';
import { findByPointer } from '@mad/core';
import { below } from '../client/exchange/service-call.ts';
import { listApiOperations } from '../openapi/api-operation.ts';
import { askOfExecution } from './accepted-work.ts';
import { describeAnswer, readErrorBody } from './describe-answer.ts';
import { failed, ofTask, passed, type Rule, skipped } from './rule.ts';
import { findTarget } from './send-broken.ts';

/** A probe of health waits no longer. */
const HEALTH_MS = 3_000;
/** Of a work that nobody has begun, where ids are numbers. */
const NUMBER = '2147483646';

/** Rules of the paths beside the task. */
export const routeRules: readonly Rule[] = [
  {
    id: 'health-answers',
    level: 'should',
    holds: 'GET on the health path (`/health`) answers 2xx within three seconds, without credentials.',
    mend: 'answer GET /health with 200 while the service takes work and with 503 while it does not, or name the path in service_config.health_check',
    async check(inspection) {
      const { service, healthPath } = inspection;
      const begun = performance.now();
      const answer = await service.ask({ method: 'GET', url: below(service.url, healthPath) });
      const ms = Math.round(performance.now() - begun);
      inspection.healthStatus = answer.status;
      if (answer.status < 200 || answer.status > 299) return failed(`${healthPath} answered ${describeAnswer(answer)}`);
      return ms > HEALTH_MS ? failed(`${healthPath} answered after ${ms} ms`) : passed(`${answer.status} in ${ms} ms`);
    },
  },
  {
    id: 'unknown-path',
    level: 'should',
    holds: 'A path that does not exist is answered with 404 and an error body.',
    mend: 'answer 404 with {"error": {"code": "NOT_FOUND", "message": "…"}}',
    async check({ service }) {
      const url = below(service.url, `/mad-check-${randomUUID()}`);
      const answer = await service.ask({ method: 'GET', url });
      const isRight = answer.status === 404 && readErrorBody(answer) !== undefined;
      return isRight ? passed(describeAnswer(answer)) : failed(describeAnswer(answer));
    },
  },
  {
    id: 'wrong-method',
    level: 'should',
    holds: "GET on the task's path, where it is not declared, is answered with 405 or 404.",
    mend: 'answer 405 to methods that the operation does not take',
    check: ofTask(async (task, inspection) => {
      const { path } = task.interface.execute.operation;
      const isDeclared = listApiOperations(task.document).some((one) => one.path === path && one.method === 'get');
      if (isDeclared) return skipped(`GET ${path} is declared`);
      const target = await findTarget(task, inspection);
      if (!target) return skipped('there is no request to fill the path with');
      const { security } = task.interface.execute.operation;
      const answer = await inspection.service.ask({ method: 'GET', url: target.url, security });
      const isRight = answer.status === 405 || answer.status === 404;
      return isRight ? passed(describeAnswer(answer)) : failed(`GET ${path} answered ${describeAnswer(answer)}`);
    }),
  },
  {
    id: 'unknown-execution',
    level: 'must',
    holds: 'An execution that does not exist is answered with 404 or 410, so that work that is lost is begun anew.',
    mend: 'answer the status operation with 404 for an id that is not known (any more)',
    check: ofTask(async ({ interface: task }, { service }) => {
      const { status, parameter } = task.execution;
      if (!status) return skipped('the document has no operation that tells the state of work');
      const { schema } = status.operation.parameters.find(({ key }) => key === parameter) ?? {};
      const externalId = findByPointer(schema, '/type') === 'integer' ? NUMBER : randomUUID();
      const question = await askOfExecution(task, { serviceUrl: service.url, operation: status, externalId });
      const answer = await service.ask(question);
      const isRight = answer.status === 404 || answer.status === 410;
      return isRight ? passed(describeAnswer(answer)) : failed(describeAnswer(answer));
    }),
  },
];
