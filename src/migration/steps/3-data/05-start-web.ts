import { startWebAtTarget } from '../../start-web.ts';

export const startWeb = startWebAtTarget('data');
