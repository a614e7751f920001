import { hostname } from 'node:os';
import { resolve } from 'node:path';

const required = (name) => {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(1);
  }
  return value;
};

export const databaseUrl = required('DATABASE_URL');
/** A second database, which the shop can do without. */
export const receiptsUrl = process.env.REDIS_URL;
export const uploadsFolder = resolve(process.env.UPLOADS ?? 'uploads');
export const shopName = process.env.SHOP_NAME ?? 'The Heron & Kettle';
/** Loopback, behind a proxy; 0.0.0.0 within a container. */
export const host = process.env.HOST ?? '127.0.0.1';
export const port = Number(process.env.PORT ?? 3000);

/** Where this process runs: the region's name where it is known, else the host (or container) and the folder. */
export const region = process.env.REGION_NAME ?? `${hostname()}${process.cwd()}`;
