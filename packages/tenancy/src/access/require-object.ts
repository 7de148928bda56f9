import { checkRequest } from '@mad/core';
import { z } from 'zod';

const anObject = z.custom((value) => typeof value === 'object' && value !== null, 'expected an object');

/** For a request of which each part is checked where it is used: the request, where it has parts at all. @throws {ValidationFailedError} */
export function requireObject<Request>(request: Request, subject: string): Request {
  checkRequest(anObject, { subject, value: request });
  return request;
}
