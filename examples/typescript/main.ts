// Books an appointment as a program of a third party does: it finds a time, books it once,
// hears of it by webhook, and cancels it. The types are made from the contract.
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import { Webhook } from 'standardwebhooks';
import type { components, paths } from './contract.js';

type Schemas = components['schemas'];

// An answer that is an error is problem+json (RFC 9457): programs look at its code.
class Refused extends Error {
  constructor(readonly problem: Schemas['Problem']) {
    const fields = problem.errors?.map((e) => `; ${e.pointer}: ${e.detail}`).join('') ?? '';
    super(`${problem.status} ${problem.code}: ${problem.detail}${fields} (request ${problem.request_id})`);
  }
}

type Answer<T> = { data?: T; error?: Schemas['Problem']; response: Response };

async function good<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) return data as T;
  if (error?.code) throw new Refused(error);
  throw new Error(`${response.url}: ${response.status}, from something in between`);
}

const is = (error: unknown, code: string) => error instanceof Refused && error.problem.code === code;

// Waits when there have been too many requests, as long as the answer says.
async function patiently(request: Request): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(request.clone());
    if (response.status !== 429 || attempt === 5) return response;
    await sleep(1000 * (Number(response.headers.get('retry-after')) || 1));
  }
}

// All pages of a list.
async function all<T>(page: (cursor?: string) => Promise<{ data: T[]; next_cursor: string | null }>): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { data, next_cursor } = await page(cursor);
    items.push(...data);
    cursor = next_cursor;
  }
  return items;
}

const { API_URL: baseUrl = '', API_TOKEN: token = '' } = process.env;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` }, fetch: patiently });

// Finds the first time within two weeks that nobody takes meanwhile.
async function book(service: Schemas['Service'], customer: Schemas['Customer']): Promise<Schemas['Appointment']> {
  const date = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const query = { service_id: service.id, from: date(0), to: date(14), limit: 10 };
  const free = await good(api.GET('/api/v1/availability', { params: { query } }));
  for (const { start_at } of free.data) {
    // One key for each thing to be done, the same for every attempt at it.
    const header = { 'Idempotency-Key': randomUUID() };
    const body = { service_id: service.id, customer_id: customer.id, start_at };
    try {
      const booked = await good(api.POST('/api/v1/appointments', { params: { header }, body }));
      console.log(`${service.name} is booked for ${start_at}: ${booked.status}`);
      // As after a broken connection: the same answer, and no second appointment.
      const again = await api.POST('/api/v1/appointments', { params: { header }, body });
      if (again.data?.id !== booked.id || again.response.headers.get('Idempotent-Replayed') !== 'true')
        throw new Error(`The repeated request was answered with ${again.response.status}.`);
      return booked;
    } catch (error) {
      if (!is(error, 'slot_taken')) throw error;
    }
  }
  throw new Error('There is no time within two weeks.');
}

// Listens on this machine, where dev lets webhooks go, and passes on what has a good signature.
function listen(webhook: () => Webhook, heard: (event: Schemas['Event']) => void): Promise<Server> {
  const server = createServer(async (request, response) => {
    const body = await text(request); // what came, before anything parses it
    try {
      webhook().verify(body, request.headers as Record<string, string>);
    } catch {
      response.writeHead(401).end();
      return;
    }
    response.writeHead(204).end();
    heard(JSON.parse(body)); // perhaps not for the first time: a program that does more remembers the id
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function run(): Promise<void> {
  if (!baseUrl || !token.startsWith('ss_test_'))
    throw new Error('Set API_URL to a server, and API_TOKEN to a token of a sandbox; dev prints both.');
  // An empty sandbox gets something to book; one that is in use stays as it is.
  await good(api.POST('/api/v1/sandbox/sample-data')).catch((error) => {
    if (!is(error, 'already_exists')) throw error;
  });
  const [service] = await all((cursor) => good(api.GET('/api/v1/services', { params: { query: { cursor } } })));
  const [customer] = await all((cursor) => good(api.GET('/api/v1/customers', { params: { query: { cursor } } })));
  if (!service || !customer) throw new Error('There is no service, or no customer.');

  let webhook: Webhook;
  const events: Schemas['Event'][] = [];
  const server = await listen(() => webhook, (event) => events.push(event));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const created = await good(api.POST('/api/v1/webhooks', { body: { url, event_types: ['appointment.created'] } }));
    try {
      webhook = new Webhook(created.secret); // which is shown this once
      const { id } = await book(service, customer);
      try {
        for (let waited = 0; !events.some((e) => e.type === 'appointment.created' && e.data.id === id); waited++) {
          if (waited === 300) throw new Error(`No webhook has told of appointment ${id}.`);
          await sleep(100);
        }
        console.log('A webhook told of it.');
        const now = new Date();
        const signature = new Webhook(Buffer.alloc(32).toString('base64')).sign('forged', now, '{}');
        const headers = { 'webhook-id': 'forged', 'webhook-timestamp': String(Math.floor(+now / 1000)), 'webhook-signature': signature };
        const { status } = await fetch(url, { method: 'POST', headers, body: '{}' });
        if (status !== 401) throw new Error(`A forged event was answered with ${status}.`);
        console.log('A forged event was refused.');
      } finally {
        const cancelled = await good(api.POST('/api/v1/appointments/{id}/cancel', { params: { path: { id } }, body: { reason: 'An example' } }));
        if (cancelled.status !== 'CANCELLED') throw new Error(`The appointment is ${cancelled.status}.`);
      }
    } finally {
      await good(api.DELETE('/api/v1/webhooks/{id}', { params: { path: { id: created.id } } }));
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

run().catch((error: unknown) => {
  console.error('failed:', error instanceof Error ? error.message : error, (error as Error).cause ?? '');
  process.exitCode = 1;
});
