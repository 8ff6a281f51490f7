# A pymodbus client: reads one JSON request a line ({"method", "args", "kwargs"}), prints one JSON answer a line.
import json
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

host, port, timeout = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = ModbusTcpClient(host, port=port, timeout=timeout, retries=0)
if not client.connect():
    sys.exit("no connection")
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = getattr(client, request["method"])(*request["args"], **request["kwargs"])
        if isinstance(answer, ModbusException) or not hasattr(answer, "isError"):
            out = {"ok": False, "text": str(answer)}
        elif answer.isError():
            out = {"ok": False, "text": str(answer), "exception": getattr(answer, "exception_code", None)}
        else:
            out = {"ok": True, "registers": getattr(answer, "registers", []) or [], "bits": getattr(answer, "bits", []) or []}
    except Exception as fault:
        out = {"ok": False, "text": str(fault)}
    print(json.dumps(out), flush=True)
client.close()
