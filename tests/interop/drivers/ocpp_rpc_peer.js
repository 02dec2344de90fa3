'use strict';
// npm's ocpp-rpc on the end of a pipe: one command per line on stdin, one event per line on stdout, all JSON.
//
// Commands: {do: "listen" | "connect" | "answer" | "call" | "raw" | "drop" | "close", n, ...}. Each is answered with
// {n, result} or {n, error}. Events: {event: "client" | "call" | "bad" | "invalid" | "closed" | "open", ...}.

const readline = require('node:readline');
const { RPCServer, RPCClient, createRPCError, createValidator } = require('ocpp-rpc');
const schemas21 = require('ocpp-rpc/lib/schemas/ocpp2_1.json');

const answers = new Map(); // action -> {result} or {error: {code, description, details}}
const peers = new Map(); // identity -> RPCServerClient or RPCClient
let server;
let http;

// ocpp-rpc looks schemas up as "urn:Reset.req", but those it has of 2.1 are called "urn:ResetRequest".
const validator21 = createValidator('ocpp2.1', schemas21.map((schema) => ({
    ...schema,
    $id: schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf'),
})));

function emit(event) {
    process.stdout.write(JSON.stringify(event) + '\n');
}

function described(error) {
    return {
        name: error.constructor.name,
        code: error.rpcErrorCode ?? error.code ?? null,
        message: error.message,
        details: error.details ?? {},
    };
}

function serve(peer, identity) {
    peers.set(identity, peer);
    peer.handle(({ messageId, method, params }) => {
        emit({ event: 'call', identity, messageId, method, params });
        const answer = answers.get(method);
        if (!answer) {
            throw createRPCError('NotImplemented', `nothing prepared for ${method}`, {});
        }
        if (answer.error) {
            throw createRPCError(answer.error.code, answer.error.description, answer.error.details);
        }
        return answer.result;
    });
    peer.on('badMessage', ({ error }) => emit({ event: 'bad', identity, error: described(error) }));
    peer.on('strictValidationFailure', ({ method, error, outbound }) =>
        emit({ event: 'invalid', identity, method, outbound, error: described(error) }));
    peer.on('close', ({ code, reason }) => emit({ event: 'closed', identity, code, reason: String(reason) }));
    peer.on('open', () => emit({ event: 'open', identity, protocol: peer.protocol }));
}

const commands = {
    async listen({ options, passwords }) {
        server = new RPCServer({ ...options, strictModeValidators: [validator21] });
        server.auth((accept, reject, handshake) => {
            const { identity, password } = handshake;
            const wanted = passwords?.[identity];
            const right = !passwords || (wanted && password?.equals(Buffer.from(wanted, 'hex')));
            if (right) {
                accept();
            } else {
                reject(wanted ? 401 : 404, wanted ? 'Unauthorized' : 'Not found');
            }
        });
        server.on('client', (client) => {
            serve(client, client.identity);
            emit({ event: 'client', identity: client.identity, protocol: client.protocol });
        });
        http = await server.listen(0, '127.0.0.1');
        return http.address().port;
    },

    async connect({ options, password }) {
        if (password !== undefined) {
            options.password = Buffer.from(password, 'hex');
        }
        const client = new RPCClient({ ...options, strictModeValidators: [validator21] });
        serve(client, options.identity);
        await client.connect();
        return client.protocol;
    },

    async answer({ method, result, error }) {
        answers.set(method, { result, error });
    },

    async call({ identity, method, params }) {
        return peers.get(identity).call(method, params, { callTimeoutMs: 5000 });
    },

    async raw({ identity, text }) {
        peers.get(identity).sendRaw(text);
    },

    async drop({ identity }) {
        peers.get(identity)._ws.terminate();
    },

    async close({ identity, code, reason }) {
        return peers.get(identity).close({ code, reason });
    },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const command = JSON.parse(line);
    commands[command.do](command).then(
        (result) => emit({ n: command.n, result: result ?? null }),
        (error) => emit({ n: command.n, error: described(error) }),
    );
}).on('close', () => process.exit(0));
