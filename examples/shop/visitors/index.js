export { checkLedger } from './check.js';
export { forkVisitors } from './fork.js';
export { startVisitors } from './visitors.js';
