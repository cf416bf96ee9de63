/**
 * One process of the demo shop: `node main.js frontend|catalog|payments|load`. Where it listens and whom it calls is in
 * the environment: HOST, PORT, CATALOG_URL, PAYMENTS_URL, FRONTEND_URL, REQUESTS_PER_SECOND.
 * Each prints one line once it does its work: a service its port.
 */
import { catalog } from './catalog';
import { frontend } from './frontend';
import { visit } from './load';
import { payments } from './payments';
import { serve, type Route } from './service';

const SERVICES: Record<string, () => Route[]> = {
  frontend: () => frontend(required('CATALOG_URL'), required('PAYMENTS_URL')),
  catalog,
  payments,
};

async function main(role = ''): Promise<void> {
  if (role === 'load') {
    visit(required('FRONTEND_URL'), Number(process.env.REQUESTS_PER_SECOND ?? 60));
    console.log('on their way');
  } else if (Object.hasOwn(SERVICES, role)) {
    const { HOST: host = '127.0.0.1', PORT: port = '0' } = process.env;
    console.log(await serve(SERVICES[role](), { host, port: Number(port) }));
  } else {
    fail(`Which one? main.js ${[...Object.keys(SERVICES), 'load'].join('|')}`);
  }
}

function required(name: string): string {
  return process.env[name] ?? fail(`${name} is not set.`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

// As the first process of a container it would otherwise ignore these.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => process.exit(0));
}

main(process.argv[2]).catch((error: Error) => fail(`${process.argv[2]}: ${error.message}`));
