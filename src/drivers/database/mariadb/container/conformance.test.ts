import { conforms } from '../../conformance/conformance.ts';
import { inContainers } from '../testing/like-a-container.ts';
import { subject } from '../testing/subject.ts';

await conforms({ ...subject, engine: inContainers() });
