# hostdec runs on the desk, and so does this.
BBCLASSEXTEND:append = " native nativesdk"
