/** Plans, statistics and control messages as msgpack: the `bytes` fields of proto/mpp.proto.
 *
 *  Invariant: what is packed here is unpacked equal: bigint stays bigint (of any size), undefined stays undefined,
 *  Uint8Array stays Uint8Array. Each message stands alone (records are described inside it). */
import { Packr } from 'msgpackr';

const options = { useBigIntExtension: true, moreTypes: true } as const;
const packer = new Packr(options);

export function pack(value: unknown): Buffer {
  return packer.pack(value);
}

/** The caller states the type: both ends are the same version of this program (checked when a segment joins). */
export function unpack<T>(bytes: Uint8Array): T {
  return packer.unpack(bytes) as T;
}
