import { provisionStores } from '../../provision-stores.ts';

export const provision = provisionStores('data');
