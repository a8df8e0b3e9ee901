/** The links of a process: one for each process it talks to, whoever dialled.
 *
 *  Owns: dialling on first use, using a link that the other side has dialled, ending links to processes that were replaced.
 *  Must not know what frames mean: `onOpen` and `onExecute` are set by the exchange and by a segment's executor. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Peers } from '../grpc/peer.js';
import type { RpcServer } from '../grpc/server.js';
import { LinkService } from '../grpc/services.js';
import type { FrameBody, MotionOpen } from './frame.js';
import { Link, type LinkStream, type StreamHandler } from './link.js';

export class Links {
  /** Where this process's services are reached; told to others so that they need not dial. */
  address = '';
  onOpen: ((stream: LinkStream, open: MotionOpen) => StreamHandler | undefined) | undefined;
  onExecute: ((stream: LinkStream, body: Uint8Array) => StreamHandler | undefined) | undefined;
  private readonly peers: Peers;
  private readonly byAddress = new Map<string, Link>();
  private readonly all = new Set<Link>();

  constructor(peers: Peers) {
    this.peers = peers;
    peers.onGone((address) => this.byAddress.get(address)?.break('its process is gone'));
  }

  addTo(server: RpcServer): void {
    server.duplex(LinkService.Link, (call) => this.accepted(call));
  }

  to(address: string): Link {
    const known = this.byAddress.get(address);
    if (known?.alive === true) return known;
    const call = this.peers.at(address).duplex(LinkService.Link);
    const link = this.make(
      {
        write: (m) => call.write(m),
        hangUp: () => call.cancel(),
      },
      true,
    );
    this.byAddress.set(address, link);
    call.on('data', (m: Buffer) => link.received(m));
    call.on('error', (e: Error) => link.break(e.message));
    call.on('end', () => link.break('the connection was closed'));
    return link;
  }

  close(): void {
    for (const link of this.all) link.break('the process is shutting down');
  }

  private accepted(call: ServerDuplexStream<Buffer, Buffer>): void {
    const link = this.make({ write: (m) => call.write(m), hangUp: () => call.end() }, false);
    call.on('data', (m: Buffer) => link.received(m));
    call.on('end', () => link.break('the connection was closed'));
    call.on('cancelled', () => link.break('the connection was cancelled'));
    call.on('error', (e: Error) => link.break(e.message));
  }

  private make(call: { write(m: Buffer): unknown; hangUp(): void }, dialled: boolean): Link {
    const link = new Link(call, {
      dialled,
      address: this.address,
      accept: (stream, body) => this.accept(stream, body),
      onHello: (l) => {
        if (!dialled && l.peerAddress !== '' && this.byAddress.get(l.peerAddress)?.alive !== true)
          this.byAddress.set(l.peerAddress, l);
      },
      onBroken: (l) => {
        this.all.delete(l);
        for (const [address, of] of this.byAddress) if (of === l) this.byAddress.delete(address);
      },
    });
    this.all.add(link);
    return link;
  }

  private accept(stream: LinkStream, body: FrameBody): StreamHandler | undefined {
    if (body.kind === 'open') return this.onOpen?.(stream, body.open);
    return body.kind === 'execute' ? this.onExecute?.(stream, body.body) : undefined;
  }
}
