import { provisionStores } from '../../provision-stores.ts';

export const provisionIfSkipped = provisionStores('finalize');
