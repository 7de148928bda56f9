import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TaskServiceError } from '../../errors.ts';
import { answerError } from './answer.ts';

/** Answers what node:http could not read as a request, in the form of every other error, and ends the connection. */
export function answerClientError(error: Error, socket: Duplex): void {
  if (!socket.writable || ('code' in error && error.code === 'ECONNRESET')) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = answerError(describe('code' in error ? error.code : undefined));
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body.toString()}`);
}

function describe(code: unknown): TaskServiceError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new TaskServiceError({
      code: 'HEADERS_TOO_LARGE',
      message: 'the address and headers of the request are too long',
      status: 431,
    });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new TaskServiceError({
      code: 'REQUEST_TIMEOUT',
      message: 'the request did not arrive in time; send it again',
      status: 408,
    });
  return new TaskServiceError({ code: 'BAD_REQUEST', message: 'the request is not HTTP/1.1', status: 400 });
}
