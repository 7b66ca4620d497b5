"""Takes flights.csv out of a source distribution: flights_csv.py ARCHIVE CSV"""

import io
import sys
import tarfile
import zipfile

archive, target = sys.argv[1:]
with tarfile.open(archive) as tar:
    member = next(it for it in tar.getnames() if it.endswith("/data/flights.csv.zip"))
    packed = tar.extractfile(member).read()
with zipfile.ZipFile(io.BytesIO(packed)) as zipped, open(target, "wb") as csv:
    csv.write(zipped.read("flights.csv"))
