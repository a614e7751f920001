import { conforms } from '../conformance/conformance.ts';
import { subject } from './testing/subject.ts';

await conforms(subject);
