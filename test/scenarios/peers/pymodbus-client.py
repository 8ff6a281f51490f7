# A pymodbus client: reads one JSON request a line ({"method", "args", "kwargs"}), prints one JSON answer a line.
import json
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.file_message import FileRecord, WriteFileRecordRequest


def write_file_record(file_number, record_number, data, slave):
    # This version's client has no method for function 21, but the request.
    record = FileRecord(
        reference_type=6,
        file_number=file_number,
        record_number=record_number,
        record_length=len(data) // 4,
        record_data=bytes.fromhex(data),
    )
    return client.execute(WriteFileRecordRequest(records=[record], unit=slave))

host, port, timeout = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = ModbusTcpClient(host, port=port, timeout=timeout, retries=0)
if not client.connect():
    sys.exit("no connection")
for line in sys.stdin:
    request = json.loads(line)
    try:
        own = {"write_file_record": write_file_record}
        method = own.get(request["method"]) or getattr(client, request["method"])
        answer = method(*request["args"], **request["kwargs"])
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
