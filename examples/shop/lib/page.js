import { readFileSync } from 'node:fs';
import { countOrders } from './orders.js';
import { region, shopName } from './settings.js';
import { latestUploads } from './uploads.js';

const asset = (name) => readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8');
const template = asset('index.html');
const assets = {
  'style.css': { status: 200, type: 'text/css; charset=utf-8', body: asset('style.css') },
  'shop.js': { status: 200, type: 'text/javascript; charset=utf-8', body: asset('shop.js') },
};
const inHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export const showAsset = async (_request, name) => assets[name];

export async function showPage() {
  const [counts, uploads] = await Promise.all([countOrders(), latestUploads()]);
  const values = {
    shop: inHtml(shopName),
    region: inHtml(region),
    orders: counts.orders,
    shipped: counts.shipped,
    pictures: uploads.map((id) => `<img src="/uploads/${id}" alt="" width="72" height="72">`).join(''),
  };
  const body = template.replace(/{{(\w+)}}/g, (_, name) => values[name]);
  return { status: 200, type: 'text/html; charset=utf-8', body };
}
